package rules

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
)

// preamble matches the text before the first key of a file: comments and the start of a YAML
// document.
const preamble = `^(?:\x{feff})?(?:(?:[ \t]*(?:#[^\n]*)?|---[ \t]*|%YAML[^\n]*)\r?\n)*`

var (
	policyStart = regexp.MustCompile(preamble + `["']?tenterhook["']?[ \t]*:`)
	firstWord   = regexp.MustCompile(preamble + `[ \t]*["']?([A-Za-z][A-Za-z0-9_-]*)`)
	blank       = regexp.MustCompile(preamble + `[ \t]*(?:#[^\n]*|---[ \t]*)?$`)
	policyKey   = regexp.MustCompile(`(?m)^(tenterhook|hooks)[ \t]*:`)
)

// file reads one file of the folder if it is a policy file. reportNonPolicies checks other YAML
// files later, when the tables are known.
func (l *loader) file(name string) {
	ext := path.Ext(name)
	if ext != ".yaml" && ext != ".yml" || strings.HasSuffix(strings.TrimSuffix(name, ext), "_test") {
		return
	}
	text, _ := l.folder.File(name)
	if !policyStart.Match(text[:min(len(text), 64<<10)]) {
		l.nonPolicies = append(l.nonPolicies, name)
		return
	}
	l.files++
	if ext == ".yml" {
		l.Add(document.Problem{File: name, Message: "policy files end in .yaml: rename it"})
		return
	}
	if len(text) > document.MaxBytes {
		l.Add(document.Problem{File: name, Message: "a policy file of more than 1 MiB: spread it over several, or put its data into tables"})
		return
	}
	if p, ok := document.CheckEncoding(name, text); !ok {
		l.Add(p)
		return
	}
	root, problems := document.Parse(document.NewSource(name, text))
	l.Add(problems...)
	if root != nil {
		l.decode(root)
	}
	l.unreadable = l.unreadable || root == nil
}

// reportNonPolicies reports YAML files that are neither policy nor table. Without this, an emptied
// policy file, or one with a misspelt first line, would silently remove its hooks.
func (l *loader) reportNonPolicies() {
	for _, name := range l.nonPolicies {
		if slices.ContainsFunc(l.tables, func(t document.Member) bool { return readsFile(t.Value, name) }) {
			continue
		}
		content, _ := l.folder.File(name)
		if p := stranger(name, content); p.Line > 0 || !l.unreadable {
			l.Add(p)
		}
	}
}

// readsFile reports whether a table reads the file.
func readsFile(n *document.Node, name string) bool {
	file := n.Get("file")
	return file != nil && file.Kind == document.Text && path.Clean(file.Text) == name
}

// stranger returns the problem of a YAML file that is not policy. A problem without a line may be a
// consequence of an unreadable policy file.
func stranger(name string, text []byte) document.Problem {
	if p, ok := document.CheckEncoding(name, text); !ok {
		return p
	}
	src := document.NewSource(name, text)
	if len(text) < 64<<10 && blank.Match(text) {
		return src.Problem(1, 1, "this file has no content: want policy, or no file; to keep it aside, put a dot before its name")
	}
	start := text[:min(len(text), 64<<10)]
	if at := firstWord.FindSubmatchIndex(start); at != nil {
		line, word := bytes.Count(start[:at[2]], []byte("\n"))+1, string(start[at[2]:at[3]])
		if document.Suggest(word, []string{versionField}) != "" || word == versionField {
			return src.Problem(line, 1, "this file is not read as policy: want tenterhook: 1 here")
		}
		if word == "tests" {
			return src.Problem(line, 1, "tests are read from files whose names end in _test.yaml")
		}
	}
	if at := policyKey.FindIndex(text[:min(len(text), document.MaxBytes)]); at != nil {
		return src.Problem(bytes.Count(text[:at[0]], []byte("\n"))+1, 1, "this file is not read as policy: it does not begin with tenterhook: 1")
	}
	return document.Problem{File: name, Message: "neither policy nor a table's file: want tenterhook: 1 in its first line, or the file outside of the policy folder"}
}
