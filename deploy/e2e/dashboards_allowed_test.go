package e2e

// mayBeEmpty are the queries that need not return data on a stack that runs as it should, after traffic, failed requests and
// one healed crash. The key is the dashboard's uid, the panel and the query.
var mayBeEmpty = map[string]string{
	"upkeep-api/How many took how long/B":  "the classic buckets are drawn only where there is no native histogram",
	"upkeep-host/Disk full in/A":           "no file system need grow within 15 minutes",
	"upkeep-alerts/Pending/A":              "nothing need be about to fire",
	"upkeep-alerts/Failed notifications/A": "the receiver takes every notification",
	"upkeep-stack/Failed notifications/A":  "the receiver takes every notification",
	"annotation Deploys":                   "nothing comes with a new version while the test runs",
}
