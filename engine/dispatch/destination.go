package dispatch

import (
	"fmt"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/rules/document"
)

// Problems lists the problems of a Set's destinations that its load does not find. A Set with such
// problems must not go live.
func Problems(s *rules.Set) document.Problems {
	var problems document.Problems
	for _, d := range s.Destinations() {
		spec := specOf(d)
		if spec.Kind == 0 {
			continue // the environment variable of its URL is missing in check; serve's rules.Load rejects it
		}
		for _, p := range spec.Validate() {
			problems = append(problems, document.Problem{Message: fmt.Sprintf("destination %s: %s", d.Name, p)})
		}
	}
	return problems
}

// specsOf returns the destinations by name.
func specsOf(list []rules.Destination) map[string]destination.Spec {
	specs := make(map[string]destination.Spec, len(list))
	for _, d := range list {
		specs[d.Name] = specOf(d)
	}
	return specs
}

func specOf(d rules.Destination) destination.Spec {
	s := destination.Spec{
		Name: d.Name, URL: d.URL, Method: d.Method, Path: d.Path, Query: d.Query, Headers: d.Headers, Encoding: d.Encoding,
		AllowPrivate: d.AllowPrivate, Proxy: d.Proxy, CA: d.CA, File: d.File, Rotate: destination.Rotate(d.Rotate), Key: d.Key,
		Timeout: d.Timeout, Retry: destination.Retry(d.Retry), Breaker: destination.Breaker(d.Breaker), Concurrency: d.Concurrency,
	}
	switch {
	case d.URL != "":
		s.Kind = destination.HTTP
	case d.File != "":
		s.Kind = destination.File
	case d.Stdout:
		s.Kind = destination.Stdout
	}
	if d.OK != nil {
		s.OK = func(a destination.Answer) (bool, error) { return d.OK(a.Status, a.Header, a.Body) }
	}
	return s
}
