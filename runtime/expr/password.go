package expr

var passwordFunctions = map[string]*function{}
