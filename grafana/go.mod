module github.com/upkeephq/upkeep/grafana

go 1.26.0
