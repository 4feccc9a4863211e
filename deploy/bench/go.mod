module github.com/upkeephq/upkeep/deploy/bench

go 1.26.0

require github.com/upkeephq/upkeep/deploy/e2e v0.0.0

replace github.com/upkeephq/upkeep/deploy/e2e => ../e2e
