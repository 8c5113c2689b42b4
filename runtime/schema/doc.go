// Package schema knows which members Okta's calls have, of which kinds they are and which texts
// they can be.
//
// The knowledge is data: members.go lists paths by hook type, values.go lists texts. The compiler
// of expressions checks rules against it before any call. A call that deviates from it is still
// read: the kind of each value is checked at run time.
package schema
