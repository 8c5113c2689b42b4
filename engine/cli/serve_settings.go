package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/pflag"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// applySettings sets the flags that the command line leaves unset: from the environment
// (TENTERHOOK_LOG_LEVEL for --log-level), then from the configuration file (log-level:). It reports
// all errors at once.
func (p *Program) applySettings(flags *pflag.FlagSet) error {
	var wrong []error
	p.applyEnvironment(flags, &wrong)
	file := flags.Lookup("config").Value.String()
	if file != "" {
		p.applyFile(flags, file, &wrong)
	}
	if len(wrong) > 0 {
		return usage("%w", errors.Join(wrong...))
	}
	return nil
}

func (p *Program) applyEnvironment(flags *pflag.FlagSet, wrong *[]error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := "TENTERHOOK_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		text, ok := p.Env(name)
		if !ok || text == "" || f.Changed || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, text); err != nil {
			*wrong = append(*wrong, fmt.Errorf("environment %s: want a %s, got %q", name, f.Value.Type(), text))
		}
		p.noteSource(f.Name, "environment "+name)
	})
}

// maxSettings bounds the size of the configuration file, in bytes.
const maxSettings = 64 << 10

// applyFile reads the configuration file: a YAML mapping of flag names to values.
func (p *Program) applyFile(flags *pflag.FlagSet, name string, wrong *[]error) {
	text, err := os.ReadFile(name)
	if err == nil && len(text) > maxSettings {
		err = fmt.Errorf("%s: want at most %d bytes", name, maxSettings)
	}
	if err != nil {
		*wrong = append(*wrong, fmt.Errorf("configuration file: %w", err))
		return
	}
	p.applyText(flags, name, text, wrong)
}

func (p *Program) applyText(flags *pflag.FlagSet, name string, text []byte, wrong *[]error) {
	file, err := parseYAML(text)
	if err != nil {
		*wrong = append(*wrong, fmt.Errorf("configuration file %s: %w", name, err))
		return
	}
	anchors := findAnchors(file)
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		entries, ok := doc.Body.(ast.MapNode)
		if !ok || doc.Body.Type() == ast.TagType {
			*wrong = append(*wrong, fmt.Errorf("%s:%d: want settings, each as name: value", name, doc.Body.GetToken().Position.Line))
			continue
		}
		for each := entries.MapRange(); each.Next(); {
			at := each.Key().GetToken().Position
			here := fmt.Sprintf("%s:%d:%d: ", name, at.Line, at.Column)
			if strings.HasPrefix(each.Key().GetToken().Value, "x-") { // for anchors, as in policy files
				continue
			}
			if err := p.applyEntry(flags, each.Key(), anchors.resolve(each.Value()), here); err != nil {
				*wrong = append(*wrong, fmt.Errorf("%s%w", here, err))
			}
		}
	}
}

func parseYAML(text []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil { // the parser panics on some invalid texts
			err = errors.New("not valid YAML")
		}
	}()
	return parser.ParseBytes(text, 0)
}

// yamlAnchors are the values of a file's anchors, by name.
type yamlAnchors map[string]ast.Node

func findAnchors(file *ast.File) yamlAnchors {
	all := yamlAnchors{}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			ast.Walk(all, doc.Body)
		}
	}
	return all
}

// Visit implements ast.Visitor.
func (a yamlAnchors) Visit(n ast.Node) ast.Visitor {
	if anchor, ok := n.(*ast.AnchorNode); ok {
		a[anchor.Name.GetToken().Value] = anchor.Value
	}
	return a
}

// resolve returns the value of an anchor or alias, and other nodes unchanged.
func (a yamlAnchors) resolve(n ast.Node) ast.Node {
	if anchor, ok := n.(*ast.AnchorNode); ok {
		return anchor.Value
	}
	if alias, ok := n.(*ast.AliasNode); ok {
		if value := a[alias.Value.GetToken().Value]; value != nil {
			return value
		}
	}
	return n
}

func (p *Program) applyEntry(flags *pflag.FlagSet, key ast.MapKeyNode, value ast.Node, here string) error {
	name := key.GetToken().Value
	f := flags.Lookup(name)
	if f == nil || name == "config" || name == "help" {
		return fmt.Errorf("unknown setting %s%s", name, suggestion(name, settingNames(flags)))
	}
	if list, ok := value.(*ast.SequenceNode); ok {
		return p.applyList(f, list, here)
	}
	scalar, ok := value.(ast.ScalarNode)
	if !ok || value.Type() == ast.NullType || value.Type() == ast.TagType {
		return fmt.Errorf("%s: want a %s", name, f.Value.Type())
	}
	if f.Changed {
		return nil
	}
	text := fmt.Sprint(scalar.GetValue())
	if err := flags.Set(name, text); err != nil {
		return fmt.Errorf("%s: want a %s, got %q", name, f.Value.Type(), text)
	}
	p.noteSource(name, here+name)
	return nil
}

// applyList sets a flag that may have several values.
func (p *Program) applyList(f *pflag.Flag, list *ast.SequenceNode, here string) error {
	several, ok := f.Value.(pflag.SliceValue)
	if !ok {
		return fmt.Errorf("%s: want a %s", f.Name, f.Value.Type())
	}
	var texts []string
	for each := list.ArrayRange(); each.Next(); {
		scalar, ok := each.Value().(ast.ScalarNode)
		if !ok || each.Value().Type() == ast.NullType || each.Value().Type() == ast.TagType {
			return fmt.Errorf("%s: want a list of texts", f.Name)
		}
		texts = append(texts, fmt.Sprint(scalar.GetValue()))
	}
	if f.Changed {
		return nil
	}
	f.Changed = true
	p.noteSource(f.Name, here+f.Name)
	return several.Replace(texts)
}

// noteSource remembers where a flag was set, if not on the command line.
func (p *Program) noteSource(flag, who string) {
	if p.flagSources == nil {
		p.flagSources = map[string]string{}
	}
	p.flagSources[flag] = who
}

// flagSource names a flag in error messages by the place where it was set.
func (p *Program) flagSource(flag string) string {
	return cmp.Or(p.flagSources[flag], "--"+flag)
}

func settingNames(flags *pflag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "config" && f.Name != "help" {
			names = append(names, f.Name)
		}
	})
	return names
}

// suggestion returns ", did you mean …?" if one of the names is similar.
func suggestion(name string, names []string) string {
	if near, ok := hook.Suggest(name, names); ok {
		return ", did you mean " + near + "?"
	}
	return ""
}
