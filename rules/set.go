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

// Set is everything loaded from one policy folder: compiled, immutable, safe for concurrent use until it is closed.
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

// Hook finds a hook by its name, nil when there is none.
func (s *Set) Hook(name string) *Hook {
	for _, h := range s.hooks {
		if h.Name == name {
			return h
		}
	}
	return nil
}

// Known is what the policy says that Okta has added: members of its payloads, as dotted paths, and event types. The caller must
// not change it.
func (s *Set) Known() []string { return s.known }

// Warnings is what is doubtful about the folder, though it can be served.
func (s *Set) Warnings() document.Problems { return s.warnings }

// Close frees what the rules' programs hold, and waits for password hashes that nobody waits for any more. No decision may be
// under way or follow.
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

// Hook is one configured endpoint. Nothing of it may be changed.
type Hook struct {
	Name, Path   string
	Type         hook.Type
	Org          *credential.Org         // whose calls these are; nil: the policy does not say
	Auth         []credential.Credential // any may match; none when everybody may call, which is for loopback only
	Concurrency  int                     // calls decided at once; 0: the server's default
	Budget       runtime.Budget          // of one call
	Failure      []byte                  // the answer when the hook cannot decide; always valid
	Silent       []byte                  // the answer when no rule has anything to say
	Released     []string                // reserved claims that Okta has released, as the policy declares
	closed       []byte                  // the answer when a rule fails that fails closed
	random       *runtime.Random
	env          *expr.Env // for a closer look at conditions
	lets         []string
	sources      []string // of the lets, as they are written
	taintedLets  []bool   // the let may carry a secret
	rules        []rule
	on           selection
	destinations []destination.Spec // the Set's
	names        []string           // theirs
	places       []RulePlace        // of the rules, when that was asked for
	letPlaces    []LetPlace         // likewise
}

// Cost is what a rule's expressions may take, known before they run: a bound for an event of assumed sizes (expr.Assumed).
// What a module takes is not in it.
type Cost struct {
	Hook  string `json:"hook"`
	Rule  string `json:"rule"`
	Fuel  int64  `json:"fuel"`
	Loops int    `json:"loops"` // quantifiers over lists of the event inside each other
}

// Costs lists what the rules may take, in the order they run.
func (h *Hook) Costs() []Cost {
	all := make([]Cost, len(h.rules))
	for i := range h.rules {
		r := &h.rules[i]
		all[i] = Cost{h.Name, r.name, r.cost.Fuel, r.cost.Loops}
	}
	return all
}

// RuleNames lists the rules in the order they run.
func (h *Hook) RuleNames() []string {
	names := make([]string, len(h.rules))
	for i := range h.rules {
		names[i] = h.rules[i].name
	}
	return names
}

// rule is a condition and what follows from it.
type rule struct {
	name    string
	file    string // where it stands
	line    int
	source  string           // source of the condition, for a trace
	when    *expr.Expression // nil: always
	missing bool             // a condition that could not be decided counts as a match
	program runtime.Program
	module  bool     // the program is a module
	secrets []string // of a call that the module sees, as paths
	reveals []string // where it may let them get to
	log     *expr.Text
	budget  runtime.Budget
	limited bool      // budget is set
	cost    expr.Cost // of its expressions
	closed  bool      // its failure ends the chain with the closed answer
	last    bool      // its match ends the chain
	tainted bool      // it gives something that carries a secret
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
