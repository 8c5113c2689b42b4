package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tenterhook/tenterhook/rules/suite"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// readInput reads a file, or standard input for "-".
func (p *Program) readInput(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(p.Stdin)
	}
	return os.ReadFile(name)
}

// parseCall parses a call's body. Syntax errors have line and column.
func parseCall(name string, src []byte) (*jsondoc.Doc, error) {
	var d jsondoc.Doc
	err := d.Parse(src, jsondoc.Limits{})
	var at *jsondoc.SyntaxError
	if errors.As(err, &at) {
		line, column := position(src, at.Offset)
		return nil, fmt.Errorf("%s:%d:%d: %w: want %s", name, line, column, at.Err, at.Want)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if d.Root().Kind() != jsondoc.Object {
		return nil, fmt.Errorf("%s: want a JSON object, as Okta sends it", name)
	}
	return &d, nil
}

func position(src []byte, offset int) (line, column int) {
	before := string(src[:min(offset, len(src))])
	return strings.Count(before, "\n") + 1, len(before) - strings.LastIndexByte(before, '\n')
}

// callSource describes the call to send or to decide.
type callSource struct {
	typ    hook.Type
	file   string   // file with the call; - is standard input
	sample string   // or the name of a sample; empty: the type's
	sets   []string // changed members, each as path=value
	known  []string // the policy's known: members
}

// readCall returns the call's body.
func (p *Program) readCall(q callSource) ([]byte, error) {
	src, name, err := p.readSource(q)
	if err != nil {
		return nil, err
	}
	d, err := parseCall(name, src)
	if err != nil {
		return nil, err
	}
	if got := d.Root().Get("eventType").Text(); got != q.typ.EventType() {
		return nil, fmt.Errorf("%s: eventType: want %q for a %s hook, got %q", name, q.typ.EventType(), q.typ, got)
	}
	for _, s := range q.sets {
		if src, err = q.setMember(src, s); err != nil {
			return nil, err
		}
	}
	return src, nil
}

func (p *Program) readSource(q callSource) (src []byte, name string, err error) {
	switch {
	case q.file != "" && q.sample != "":
		return nil, "", usage("want one of --input and --sample")
	case q.file != "":
		src, err = p.readInput(q.file)
		return src, q.file, err
	case q.sample == "":
		return sample.Of(q.typ), "sample " + q.typ.String(), nil
	}
	src, ok := sample.Named(q.sample)
	if !ok {
		return nil, "", usage("--sample %s: want one of %s%s", q.sample, strings.Join(sample.Names(), ", "), suggestion(q.sample, sample.Names()))
	}
	return src, "sample " + q.sample, nil
}

// setMember changes one member of a call: path=value, with a path of suite.ReplaceMember. A value
// that is not valid JSON is a string.
func (q *callSource) setMember(src []byte, assignment string) ([]byte, error) {
	path, text, ok := strings.Cut(assignment, "=")
	if !ok || path == "" {
		return nil, usage("--set %s: want path=value, such as data.userProfile.email=eve@example.com", assignment)
	}
	value := []byte(text)
	var d jsondoc.Doc
	if d.Parse(value, jsondoc.Limits{}) != nil {
		value, _ = json.Marshal(text) // never fails for a string
	}
	out, err := suite.ReplaceMember(src, path, value)
	if err == nil {
		err = suite.KnownMember(src, path, q.typ, q.known)
	}
	if err != nil {
		return nil, usage("--set %s: %w", path, err)
	}
	return out, nil
}
