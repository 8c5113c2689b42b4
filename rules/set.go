package rules

import (
	"errors"

	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/runtime/password"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Set is a compiled policy folder: immutable, and safe for concurrent use until it is closed.
type Set struct {
	revision     string
	hooks        []*Hook
	tables       map[string]*table.Table
	vars         jsondoc.Doc
	destinations []destination.Spec
	known        []string
	warnings     document.Problems
	workers      *password.Workers
}

// Revision is the hash of the folder the Set was loaded from.
func (s *Set) Revision() string { return s.revision }

// Hooks lists the hooks in the order of the files. The caller must not change it.
func (s *Set) Hooks() []*Hook { return s.hooks }

// Hook returns the hook with a name, or nil.
func (s *Set) Hook(name string) *Hook {
	for _, h := range s.hooks {
		if h.Name == name {
			return h
		}
	}
	return nil
}

// Known lists additions of Okta that the policy declares: members of payloads, as dotted paths, and
// event types. The caller must not change it.
func (s *Set) Known() []string { return s.known }

// Warnings lists the warnings of the folder.
func (s *Set) Warnings() document.Problems { return s.warnings }

// Close closes the programs of the rules and waits for abandoned password hashes. No decision may
// run or follow.
func (s *Set) Close() error {
	s.workers.Close()
	var errs []error
	for _, h := range s.hooks {
		for i := range h.rules {
			errs = append(errs, h.rules[i].program.Close())
		}
	}
	return errors.Join(errs...)
}

// Hook is one configured endpoint. It is immutable.
type Hook struct {
	Name, Path   string
	Type         hook.Type
	Org          *credential.Org         // the calling org; nil: not configured
	Auth         []credential.Credential // any may match; empty: no authentication, on loopback only
	Concurrency  int                     // limit of concurrent calls; 0: the server's default
	Budget       runtime.Budget          // of one call
	Failure      []byte                  // the answer if the hook cannot decide; always valid
	Silent       []byte                  // the answer if no rule produces anything
	Released     []string                // reserved claims that Okta has released, as the policy declares
	closed       []byte                  // the answer if a rule fails that fails closed
	random       *runtime.Random
	env          *expr.Env // evaluates parts of conditions for explanations
	lets         []string
	sources      []string // source of each let
	taintedLets  []bool   // whether each let may carry a secret
	rules        []rule
	on           selection
	destinations []destination.Spec // the Set's
	names        []string           // names of destinations
	places       []RulePlace        // of the rules, with Options.Clauses
	letPlaces    []LetPlace         // likewise
}

// Cost is the static cost of a rule's expressions: an upper bound for an event of assumed sizes
// (expr.Assumed). It does not include modules.
type Cost struct {
	Hook  string `json:"hook"`
	Rule  string `json:"rule"`
	Fuel  int64  `json:"fuel"`
	Loops int    `json:"loops"` // nesting depth of quantifiers over lists of the event
}

// Costs lists the costs of the rules in their order.
func (h *Hook) Costs() []Cost {
	all := make([]Cost, len(h.rules))
	for i := range h.rules {
		r := &h.rules[i]
		all[i] = Cost{h.Name, r.name, r.cost.Fuel, r.cost.Loops}
	}
	return all
}

// RuleNames lists the rules in their order.
func (h *Hook) RuleNames() []string {
	names := make([]string, len(h.rules))
	for i := range h.rules {
		names[i] = h.rules[i].name
	}
	return names
}

// rule is a condition with a program for its outputs.
type rule struct {
	name    string
	file    string // file and line of the rule
	line    int
	source  string           // source of the condition, for a trace
	when    *expr.Expression // nil: always
	missing bool             // `missing: match`: an undecidable condition counts as a match
	program runtime.Program
	module  bool     // the program is a module
	secrets []string // paths of the secrets that the module can read
	reveals []string // outputs that may reveal them
	log     *expr.Text
	budget  runtime.Budget
	limited bool      // budget is set
	cost    expr.Cost // of its expressions
	closed  bool      // a failure ends the chain with the closed answer
	last    bool      // a match ends the chain
	tainted bool      // an output carries a secret
}

// Destinations lists the destinations of actions, in the order of the files. The caller must not
// change it.
func (s *Set) Destinations() []destination.Spec { return s.destinations }

// Secrets lists the names of the hook's secrets in the order of Secret.Index.
func (h *Hook) Secrets() (names []string) {
	for _, c := range h.Auth {
		for _, l := range c.Lines {
			for _, s := range l.Secrets {
				names = append(names, s.Name())
			}
		}
	}
	return names
}
