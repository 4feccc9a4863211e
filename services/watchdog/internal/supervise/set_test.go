package supervise

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// set changes one thing about a container: of its policy, of what the engine says of it, or of what becomes of a restart.
func set(b *box, k, v string) error {
	n, err := strconv.Atoi(v)
	d, derr := time.ParseDuration(v)
	p := &b.obs.Policy
	switch k {
	case "probes":
		b.probes, err = v, nil
		p.Probe = "http://:8000/"
	case "engine":
		b.engine, err = v, nil
	case "takes":
		b.takes, err = d, derr
	case "lag":
		b.lag, err = d, derr
	case "slow":
		b.slow, err = d, derr
	case "health":
		b.obs.Health, b.checks, err = Health(v), v == "auto", nil
		if b.checks {
			b.obs.Health = HealthStarting
		}
	case "policy":
		b.obs.RestartPolicy, err = RestartPolicy(v), nil
	case "error":
		b.obs.Error, err = strings.ReplaceAll(v, "_", " "), nil
	case "fault":
		b.obs.Fault, err = strings.ReplaceAll(v, "_", " "), nil
	case "donor":
		b.obs.DonorMissing, err = v == "missing", nil
	case "hash":
		b.obs.ConfigHash, err = v, nil
	case "after":
		b.obs.DependsOn, err = slices.DeleteFunc(strings.Split(v, ","), func(s string) bool { return s == "" }), nil
	case "count":
		b.obs.RestartCount = n
	case "interval":
		p.ProbeInterval, err = d, derr
	case "timeout":
		p.ProbeTimeout, err = d, derr
	case "failures":
		p.FailureThreshold = n
	case "successes":
		p.SuccessThreshold = n
	case "flap":
		_, err = fmt.Sscanf(v, "%d/%d", &p.FlapFailures, &p.FlapWindow)
	case "grace":
		p.StartPeriod, err = d, derr
	case "delay":
		p.RestartDelay, err = d, derr
	case "max":
		p.MaxRestarts = n
	case "window":
		p.RestartWindow, err = d, derr
	default:
		return fmt.Errorf("unknown key")
	}
	return err
}
