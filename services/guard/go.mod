module github.com/upkeephq/upkeep/services/guard

go 1.26.0
