module github.com/upkeephq/upkeep/deploy/tools

go 1.26.0
