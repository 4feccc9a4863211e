module github.com/upkeephq/upkeep/services/api

go 1.26.0

replace github.com/upkeephq/upkeep/services/kit => ../kit

require github.com/upkeephq/upkeep/services/kit v0.0.0-00010101000000-000000000000
