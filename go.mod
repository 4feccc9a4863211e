// The root holds no Go code; the modules are listed in go.work. Heroku's Go buildpack reads this file: deploy/platforms.md.
//
// +heroku goVersion go1.26
// +heroku install ./services/watchdog ./services/api
module github.com/upkeephq/upkeep

go 1.26.0
