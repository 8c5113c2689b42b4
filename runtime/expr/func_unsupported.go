package expr

// unsupportedFuncs maps functions that expr has and this language does not to their replacements.
var unsupportedFuncs = map[string]string{
	"reduce":     "it can double its value at every step: use sum, join, count or map",
	"repeat":     "write the text out",
	"date":       "use parseTime",
	"timezone":   "the functions of time take the zone's name",
	"groupBy":    "use filter or count",
	"sortBy":     "use sort",
	"get":        "write x[key]",
	"type":       "use kind, whose words are text, number, boolean, list and object",
	"flatten":    "use concat",
	"splitAfter": "use split",
	"toPairs":    "use keys or values",
	"fromPairs":  "write the object out",
	"reverse":    "use last, or x[-1]",
	"take":       "write x[:n]",
	"mean":       "write sum(x) / len(x)",
	"median":     "use sort",
	"indexOf":    "use contains or split", "lastIndexOf": "use contains or split",
	"bitand": noBits, "bitor": noBits, "bitxor": noBits, "bitnand": noBits, "bitnot": noBits, "bitshl": noBits,
	"bitshr": noBits, "bitushr": noBits,
}

const noBits = "hooks carry no bit fields"
