package suite

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
	duration time.Duration
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"` // the hook
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report in the XML that CI servers read: a test suite for each file.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{Tests: len(r.Cases), Failures: r.Failed, Time: seconds(r.Duration)}
	for i := range r.Cases {
		c := &r.Cases[i]
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != c.File {
			all.Suites = append(all.Suites, junitSuite{Name: c.File})
		}
		all.Suites[len(all.Suites)-1].add(c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(c *Result) {
	one := junitCase{Name: c.Name, Class: c.Hook, File: c.File, Line: c.Line, Time: seconds(c.Duration)}
	if len(c.Failures) > 0 {
		s.Failures++
		var whats, texts []string
		for _, f := range c.Failures {
			whats = append(whats, f.What)
			texts = append(texts, f.What+"\n"+indent(f.Text, "  "))
		}
		one.Failure = &junitFailure{Message: "not as expected: " + strings.Join(whats, ", "), Text: strings.Join(texts, "\n")}
	}
	s.Tests++
	s.duration += c.Duration
	s.Time = seconds(s.duration)
	s.Cases = append(s.Cases, one)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }
