package rule

// Results of the host functions that are not lengths. The convention is described in
// runtime/wasm/abi.go and in README.md.
const (
	codeMissing = -1 // the member or key does not exist
	codeNull    = -2 // the value is null
	codeKind    = -3 // wrong type, or a key that the table cannot have
)
