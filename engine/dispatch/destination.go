package dispatch

import (
	"fmt"

	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules"
)

// Problems lists the outlet's problems with a Set's destinations. A Set with such problems must not
// go live.
func Problems(s *rules.Set) rules.Problems {
	var problems rules.Problems
	for _, d := range s.Destinations() {
		if d.URL == "" && d.File == "" && !d.Stdout {
			continue // the environment variable of its URL is missing in check; serve's rules.Load rejects it
		}
		for _, p := range specOf(d).Validate() {
			problems = append(problems, rules.Problem{Message: fmt.Sprintf("destination %s: %s", d.Name, p)})
		}
	}
	return problems
}

// specsOf converts destinations for the outlet, by name.
func specsOf(list []rules.Destination) map[string]outlet.Spec {
	specs := make(map[string]outlet.Spec, len(list))
	for _, d := range list {
		specs[d.Name] = specOf(d)
	}
	return specs
}

func specOf(d rules.Destination) outlet.Spec {
	s := outlet.Spec{
		URL: d.URL, Method: d.Method, Path: d.Path, Query: d.Query, Headers: d.Headers, Encoding: d.Encoding, Proxy: d.Proxy, CA: d.CA,
		File: d.File, Rotate: outlet.Rotate(d.Rotate), Stdout: d.Stdout, Key: d.Key, Timeout: d.Timeout, Retry: outlet.Retries(d.Retry),
		Breaker: outlet.Breaker(d.Breaker), Concurrency: d.Concurrency,
	}
	for _, p := range d.AllowPrivate {
		s.AllowPrivate = append(s.AllowPrivate, p.String())
	}
	if d.OK != nil {
		s.OK = func(a outlet.Answer) (bool, error) { return d.OK(a.Status, a.Header, a.Body) }
	}
	return s
}
