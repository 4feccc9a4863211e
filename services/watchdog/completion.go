package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// completion is a script for a shell: it completes the commands by themselves, and targets by asking the watchdog.
func completion(shell string, model *kong.Application) string {
	var names, described []string
	for _, c := range model.Children {
		names = append(names, c.Name)
		described = append(described, fmt.Sprintf("'%s:%s'", c.Name, strings.NewReplacer("'", "", ":", "\\:").Replace(c.Help)))
	}
	const targets = `watchdog status --json 2>/dev/null | sed -n 's/^ *"target": "\(.*\)",$/\1/p'`
	const takeTarget = "pause|resume|restart|reset"
	switch shell {
	case "bash":
		return fmt.Sprintf(`_watchdog() {
  local cur=${COMP_WORDS[COMP_CWORD]}
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '%s' -- "$cur")
  elif [[ ${COMP_WORDS[1]} =~ ^(%s)$ ]]; then
    mapfile -t COMPREPLY < <(compgen -W "--all $(%s)" -- "$cur")
  fi
}
complete -F _watchdog watchdog
`, strings.Join(names, " "), takeTarget, targets)
	case "zsh":
		return fmt.Sprintf(`#compdef watchdog
_watchdog() {
  if ((CURRENT == 2)); then
    local -a commands=(%s)
    _describe command commands
  elif [[ ${words[2]} =~ '^(%s)$' ]]; then
    local -a targets=(${(f)"$(%s)"} --all)
    _describe target targets
  fi
}
compdef _watchdog watchdog
`, strings.Join(described, " "), takeTarget, targets)
	default:
		var b strings.Builder
		b.WriteString("complete -c watchdog -f\n")
		for _, c := range model.Children {
			fmt.Fprintf(&b, "complete -c watchdog -n __fish_use_subcommand -a %s -d '%s'\n", c.Name, strings.ReplaceAll(c.Help, "'", ""))
		}
		fmt.Fprintf(&b, "complete -c watchdog -n '__fish_seen_subcommand_from %s' -l all -a \"(%s)\"\n",
			strings.ReplaceAll(takeTarget, "|", " "), strings.ReplaceAll(strings.ReplaceAll(targets, `\`, `\\`), `"`, `\"`))
		return b.String()
	}
}
