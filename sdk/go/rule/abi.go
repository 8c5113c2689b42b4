package rule

// What the host functions return when there is no length to return. The convention is described in the comment of
// runtime/wasm's constants, and in README.md.
const (
	codeMissing = -1 // no such member, no such key
	codeNull    = -2 // the value is null
	codeKind    = -3 // not of the type that was asked for, or a key that such a table cannot have
)
