package rules

import (
	"slices"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// form is one kind of output of a rule: Okta's own commands, or a short form of them. A short form
// produces only commands that Okta applies, and never a patch that Okta would drop.
type form struct {
	key, doc, schema string
	types            []hook.Type                 // nil: all
	restricts        func(n *document.Node) bool // denies or restricts, and so fails closed; nil: never
	compile          func(*formCompiler, *document.Node)
}

// formCompiler compiles the outputs of one rule into its effects.
type formCompiler struct {
	*compiler
	rule    *ruleSpec
	effects *effects
	sets    []outputSetting
}

// outputSetting is a claim or an attribute that a rule sets.
type outputSetting struct {
	what   string // such as `the claim role of the access token`
	at     *document.Node
	always bool // set whenever the rule matches
}

func restrictsAlways(*document.Node) bool { return true }

const (
	leafSchema   = `{}`
	objectSchema = `{"type":["object","string"]}`
	tokensSchema = `{"oneOf":[{"type":"string"},{"type":"object","properties":{"id":{"type":["object","string"]},"access":{"type":["object","string"]}},"additionalProperties":false}]}`
	removeSchema = `{"type":"object","properties":{"id":{"type":["array","string"]},"access":{"type":["array","string"]}},"additionalProperties":false}`
	lifesSchema  = `{"type":"object","properties":{"id":{"type":["integer","string"]},"access":{"type":["integer","string"]}},"additionalProperties":false}`
)

// inline lists the inline hook types.
var inline = slices.DeleteFunc(hook.Types(), func(t hook.Type) bool { return !t.Inline() })

var forms = []form{
	{key: "commands", doc: "Okta's own commands, verbatim, with ${ } inside.", schema: `{"type":["array","string"]}`,
		types: inline, restricts: commandsRestrict, compile: compileCommands},
	{key: "error", doc: "Refuses with a text, or with Okta's own error object.", schema: objectSchema, types: inline, restricts: restrictsAlways, compile: compileError},
	{key: "debug", doc: "An object that Okta writes into its System Log. Never a secret.", schema: objectSchema, types: inline, compile: compileDebug},
	{key: "log", doc: "A line in this server's log when the rule matches.", schema: document.TextSchema, compile: func(*formCompiler, *document.Node) {}},
	{key: "send", doc: "Actions, delivered once the answer is out: a map with to, or a list of them.", schema: `{"oneOf":[{"$ref":"#/$defs/action"},{"type":"array","items":{"$ref":"#/$defs/action"}},{"type":"string"}]}`,
		compile: compileSend},

	{key: "deny", doc: "Refuses the registration with this text and ends the chain.", schema: document.TextSchema,
		types: []hook.Type{hook.Registration}, restricts: restrictsAlways, compile: compileDeny},
	{key: "profile", doc: "Sets attributes of the user's profile.", schema: objectSchema,
		types: []hook.Type{hook.Registration, hook.UserImport}, compile: compileProfile},
	{key: "app_profile", doc: "Sets attributes of the application's user.", schema: objectSchema,
		types: []hook.Type{hook.UserImport}, compile: compileAppProfile},
	{key: "link_user", doc: "Links the imported user to the user with this id; nothing happens when it is null.", schema: leafSchema,
		types: []hook.Type{hook.UserImport}, compile: compileLinkUser},
	{key: "create_user", doc: "Creates a user when true.", schema: leafSchema,
		types: []hook.Type{hook.UserImport}, compile: compileCreateUser},
	{key: "claims", doc: "Sets claims of the tokens this call mints.", schema: tokensSchema,
		types: []hook.Type{hook.Token}, compile: compileClaims},
	{key: "remove_claims", doc: "Removes claims that are there from the tokens this call mints.", schema: removeSchema,
		types: []hook.Type{hook.Token}, restricts: restrictsAlways, compile: compileRemoveClaims},
	{key: "lifetime", doc: "Sets the tokens' lifetimes in seconds, from 300 to 86400.", schema: lifesSchema,
		types: []hook.Type{hook.Token}, restricts: shortens, compile: compileLifetime},
	{key: "attributes", doc: "Sets attribute statements; a list gives several values, an empty one none.", schema: objectSchema,
		types: []hook.Type{hook.SAML}, compile: compileAttributes},
	{key: "name_id", doc: "Replaces the subject's name.", schema: leafSchema,
		types: []hook.Type{hook.SAML}, compile: compileNameID},
	{key: "session_lifetime", doc: "Ends the session at the application after so many seconds.", schema: leafSchema,
		types: []hook.Type{hook.SAML}, restricts: restrictsAlways, compile: compileSessionLifetime},
	{key: "verify", doc: "Verifies the password when the expression is exactly true.", schema: `{"type":["string","boolean"]}`,
		types: []hook.Type{hook.PasswordImport}, restricts: restrictsAlways, compile: compileVerify},
	{key: "telephony", doc: "Says what became of the message: status, provider, transactionId, transactionMetadata.", schema: `{"type":"object","required":["status"]}`,
		types: []hook.Type{hook.Telephony}, compile: compileTelephony},
}

// allRuleFields lists the fields of a rule with its outputs.
var allRuleFields = slices.Concat(ruleFields, formFields())

func formFields() []document.Field[ruleSpec] {
	fields := make([]document.Field[ruleSpec], len(forms))
	for i := range forms {
		f := &forms[i]
		fields[i] = document.Field[ruleSpec]{Key: f.key, Doc: f.doc, Schema: f.schema, Types: f.types,
			Read: func(_ *document.Decoder, r *ruleSpec, n *document.Node) { r.outputs = append(r.outputs, output{f, n}) }}
	}
	return fields
}

// output returns the rule's output with the key of a form, or nil.
func (r *ruleSpec) output(key string) *document.Node {
	for _, g := range r.outputs {
		if g.form.key == key {
			return g.node
		}
	}
	return nil
}

// restricts reports whether the rule denies or restricts.
func (r *ruleSpec) restricts() bool {
	return r.module.restricts(r) || slices.ContainsFunc(r.outputs, func(g output) bool { return g.form.restricts != nil && g.form.restricts(g.node) })
}
