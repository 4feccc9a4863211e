package health

// The format of draft-inadarei-api-health-check-06. The draft has expired and
// never became an RFC, but it is the nearest thing to a standard that there is.

type draftHead struct {
	Status      string `json:"status"`
	Version     string `json:"version,omitempty"`
	ReleaseID   string `json:"releaseId,omitempty"`
	ServiceID   string `json:"serviceId,omitempty"`
	Description string `json:"description,omitempty"`
	Output      string `json:"output,omitempty"`
}

type draftBody struct {
	draftHead
	Notes  []string                `json:"notes,omitempty"`
	Checks map[string][]draftCheck `json:"checks"`
}

type draftCheck struct {
	ComponentID   string   `json:"componentId"`
	ComponentType string   `json:"componentType"`
	ObservedValue *float64 `json:"observedValue,omitempty"`
	ObservedUnit  string   `json:"observedUnit,omitempty"`
	Status        string   `json:"status"`
	Time          string   `json:"time,omitempty"`
	Output        string   `json:"output,omitempty"`
}

func (p *Pages) draftHead(status Status) draftHead {
	options := p.checker.options
	return draftHead{
		Status: status.draft(), Version: options.Version, ReleaseID: options.Revision, ServiceID: options.Service,
	}
}

func (p *Pages) draftDetailed(report Report) draftBody {
	body := draftBody{draftHead: p.draftHead(report.Status), Checks: map[string][]draftCheck{}}
	if report.Reason != NoReason {
		body.Notes = append(body.Notes, "not ready: "+string(report.Reason))
	}
	for _, check := range report.Checks {
		one := draftCheck{ComponentID: check.Name, ComponentType: check.Kind, Status: check.Status.draft()}
		// The draft wants no output with a pass.
		if check.Status != Healthy {
			one.Output = errorText(check.Err)
			if check.Stale {
				one.Output = "the latest result is old: " + stamp(check.CheckedAt)
			}
		}
		if !check.CheckedAt.IsZero() {
			one.Time = stamp(check.CheckedAt)
		}
		measurement := "responseTime"
		value, unit := float64(check.Latency.Microseconds())/1000, "ms"
		if check.Observation != nil {
			measurement = measurementOf(check.Observation.Unit)
			value, unit = check.Observation.rounded(), check.Observation.Unit
		}
		one.ObservedValue, one.ObservedUnit = &value, unit
		key := check.Name + ":" + measurement
		body.Checks[key] = append(body.Checks[key], one)
	}
	return body
}

// measurementOf names what was measured by its unit.
func measurementOf(unit string) string {
	switch unit {
	case "ratio":
		return "utilization"
	case "seconds":
		return "duration"
	case "":
		return "value"
	}
	return unit
}
