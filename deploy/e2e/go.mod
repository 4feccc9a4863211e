module github.com/upkeephq/upkeep/deploy/e2e

go 1.26.0
