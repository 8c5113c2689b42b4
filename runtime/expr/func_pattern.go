package expr

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/runtime"
)

// patternFunctions match patterns, all of them constant: a pattern from a payload could take
// unlimited time.
var patternFunctions = map[string]*function{
	"glob": {usage: "glob(text, pattern) boolean", doc: "the whole text fits the pattern: * is any number of characters, ? is one, \\ takes the next as it is",
		example: `glob('app:crm:admin', 'app:*:admin')`, value: `true`, cost: "1 + text/8, and as much again for every * that has to go on",
		args: []types{text, text}, result: boolean, constArgs: 2, price: func(args []size, _ int64) int64 { return runtime.Product(args[0].n+1, 2+args[0].n>>3) }, bind: glob},
	"regexFind": {usage: "regexFind(text, pattern) text", doc: "the first match, or its first group if the pattern has groups; null without a match",
		example: `regexFind('emp-00123', '^emp-0*([0-9]+)$')`, value: `"123"`, cost: "1 + text × instructions of the pattern; of a short text an eighth of that",
		args: []types{text, text}, result: text, null: true, constArgs: 2, price: func(args []size, steps int64) int64 { return runtime.Product(args[0].n+1, 1+steps) }, bind: regexFind},
	"regexGroups": {usage: "regexGroups(text, pattern) list", doc: "the first match, then its groups; null without a match",
		example: `regexGroups('ada@example.com', '^(.+)@(.+)$')`, value: `["ada@example.com","ada","example.com"]`, cost: "1 + text × instructions of the pattern; of a short text an eighth of that",
		args: []types{text, text}, result: list, null: true, constArgs: 2, price: func(args []size, steps int64) int64 { return runtime.Sum(64, runtime.Product(args[0].n+1, 1+steps)) }, bind: regexGroups},
	"regexReplace": {usage: "regexReplace(text, pattern, new) text", doc: "with all matches replaced by new",
		example: `regexReplace('Ada  B. Lovelace', '\\s+', ' ')`, value: `"Ada B. Lovelace"`, cost: "text × instructions of the pattern/8, for every place",
		args: []types{text, text, text}, result: text, constArgs: 2, price: regexReplacePrice, size: maxTextSize, bind: regexReplace},
}

// maxGlob is the longest glob in bytes.
const maxGlob = 256

func glob(_ *Env, args []runtime.Value) (callFunc, error) {
	p := args[1].Text()
	if len(p) > maxGlob {
		return nil, fmt.Errorf("glob: want a pattern of at most %d bytes", maxGlob)
	}
	if n := len(p) - len(strings.TrimRight(p, `\`)); n%2 == 1 {
		return nil, fmt.Errorf(`glob: nothing follows the last \`)
	}
	return func(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
		charge(r, int64(len(args[0].Text()))>>3)
		return runtime.BoolOf(matchGlob(r, args[0].Text(), p))
	}, nil
}

// matchGlob backtracks to the last * only: an earlier one cannot match more. The work is at most
// text times pattern, and each backtrack is charged.
func matchGlob(r *runtime.Run, s, p string) bool {
	star, from := -1, 0 // behind the last *, and where in s it continues
	i, j := 0, 0
	for i < len(s) {
		if j < len(p) && p[j] == '*' {
			j++
			star, from = j, i
			continue
		}
		if n, m := matchRune(s[i:], p[j:]); n > 0 {
			i, j = i+n, j+m
			continue
		}
		if star < 0 {
			return false
		}
		charge(r, 1+int64(i-from)>>3)
		_, size := utf8.DecodeRuneInString(s[from:])
		from += size
		i, j = from, star
	}
	return strings.Trim(p[j:], "*") == ""
}

// matchRune is how many bytes of s and p the next character takes when it matches; 0 when it does
// not.
func matchRune(s, p string) (n, m int) {
	if p == "" {
		return 0, 0
	}
	c, n := utf8.DecodeRuneInString(s)
	if p[0] == '?' {
		return n, 1
	}
	skip := 0
	if p[0] == '\\' {
		skip = 1
	}
	if want, m := utf8.DecodeRuneInString(p[skip:]); c == want {
		return n, skip + m
	}
	return 0, 0
}

// patternOf compiles the pattern argument.
func patternOf(name string, v runtime.Value) (*pattern, error) {
	p, err := compilePattern(v.Text())
	if err != nil {
		return nil, fmt.Errorf("%s: the pattern: %w", name, err)
	}
	return p, nil
}

func regexFind(_ *Env, args []runtime.Value) (callFunc, error) {
	p, err := patternOf("regexFind", args[1])
	if err != nil {
		return nil, err
	}
	group := 2 * min(1, p.re.NumSubexp())
	return func(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
		s := args[0].Text()
		at := p.search(r, s)
		if at == nil || at[group] < 0 {
			return runtime.Value{}
		}
		return runtime.TextOf(s[at[group]:at[group+1]])
	}, nil
}

func regexGroups(_ *Env, args []runtime.Value) (callFunc, error) {
	p, err := patternOf("regexGroups", args[1])
	if err != nil {
		return nil, err
	}
	return func(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
		s := args[0].Text()
		at := p.search(r, s)
		if at == nil {
			return runtime.Value{}
		}
		b := newBuilder(r, len(at)/2)
		for i := 0; i < len(at); i += 2 {
			if at[i] < 0 {
				b.add(runtime.Value{})
				continue
			}
			b.add(runtime.TextOf(s[at[i]:at[i+1]]))
		}
		return runtime.ListOf(b.values)
	}, nil
}

// search is where the pattern and its groups match; nil without a match.
func (p *pattern) search(r *runtime.Run, s string) []int {
	reserve(r, int64(p.re.NumSubexp()+1)*16)
	steps := (int64(len(s)) + 1) * p.size
	if steps <= maxUnmetered {
		charge(r, 1+steps>>3)
		return p.re.FindStringSubmatchIndex(s)
	}
	// tracking groups takes four times as long as matching
	in := meteredReader{r: r, text: s, cost: 1 + p.size}
	at := p.re.FindReaderSubmatchIndex(&in)
	if in.stopped {
		panic(exhausted{})
	}
	return at
}

// maxUnmeteredReplace is the number of steps (bytes of text times instructions) of a search that
// cannot be interrupted: a few milliseconds.
const maxUnmeteredReplace = 256 << 10

func regexReplacePrice(args []size, steps int64) int64 {
	return runtime.Product(args[0].n+2, runtime.Product(args[0].n+2, 1+steps>>2))
}

// regexReplace charges for the rest of the text before each search.
func regexReplace(_ *Env, args []runtime.Value) (callFunc, error) {
	p, err := patternOf("regexReplace", args[1])
	if err != nil {
		return nil, err
	}
	return func(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
		s, with := args[0].Text(), args[2].Text()
		rest := (int64(len(s)) + 1) * p.size
		if rest > maxUnmeteredReplace {
			failTooLarge("with this pattern, a text of more than %d bytes", int(maxUnmeteredReplace/p.size))
		}
		charge(r, 1+rest>>3)
		size := len(s)
		reserve(r, int64(size))
		out := p.re.ReplaceAllStringFunc(s, func(found string) string {
			charge(r, 1+rest>>3)
			reserve(r, int64(len(with)))
			if size += len(with) - len(found); size > maxText {
				failTooLarge("a text of more than %d bytes", maxText)
			}
			return with
		})
		return runtime.TextOf(out)
	}, nil
}
