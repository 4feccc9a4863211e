package board

// allChoices are the variables of a dashboard that is about the backend and about what heals it.
var allChoices = []string{"job", "instance", "route", "target"}

// overview is the dashboard to look at first: is it up, what do users see, what was healed, what is left to spend, and what
// the machine does.
func overview() page {
	return page{
		uid: OverviewUID, title: "Overview",
		about: "Is it up, what do its users see, what was healed and how fast, and what the machine does.",
		since: "1h", choices: allChoices,
		rows: []section{
			{"Is it up?", status()},
			{"What users see", requests()},
			{"What was healed", healing()},
			{"The machine", machine()},
			{"The monitoring itself", monitoring()},
		},
	}
}
