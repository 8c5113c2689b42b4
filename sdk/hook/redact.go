package hook

import (
	"slices"
	"strings"
)

// Redacted is the problem without the names it quotes, except those of the contract. Other names in
// a computed draft may come from the payload, and must not be logged.
func (p Problem) Redacted() string {
	return Problem{redactPath(p.Path), redactText(p.Message)}.String()
}

// redactText replaces quoted names with dots.
func redactText(text string) string {
	var b strings.Builder
	for {
		from := strings.IndexByte(text, '"')
		if from < 0 {
			return b.String() + text
		}
		end := from + 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(text))
		word := text[from:end]
		if !isContractWord(strings.Trim(word, `"`)) {
			word = `"…"`
		}
		b.WriteString(text[:from] + word)
		text = strings.TrimPrefix(text[end:], "…") // of a name that was cut short
	}
}

// redactPath keeps the places of a path and the members that are the contract's.
func redactPath(path string) string {
	var b strings.Builder
	for len(path) > 0 {
		if path[0] == '[' {
			end := strings.IndexByte(path, ']') + 1
			if end == 0 || path[1] == '"' { // a member of any name; nothing of the contract's is below it
				return b.String() + "[…]"
			}
			b.WriteString(path[:end])
			path = path[end:]
			continue
		}
		name := strings.TrimPrefix(path, ".")
		if i := strings.IndexAny(name, ".["); i >= 0 {
			name = name[:i]
		}
		dot := strings.HasPrefix(path, ".")
		path = strings.TrimPrefix(path, ".")[len(name):]
		if !isContractWord(name) {
			name = "…"
		}
		if dot {
			name = "." + name
		}
		b.WriteString(name)
	}
	return b.String()
}

// isContractWord reports whether a word belongs to the contract and so reveals nothing.
func isContractWord(word string) bool {
	for _, t := range Types() {
		for _, c := range t.facts().commands {
			if word == c.name || word == c.key || slices.Contains(c.words, word) {
				return true
			}
		}
	}
	for _, words := range [][]string{commandMembers, operationMembers, errorMembers, causeMembers, actionMembers, operations, messageMembers, statuses} {
		if slices.Contains(words, word) {
			return true
		}
	}
	switch word {
	case "commands", "error", "debugContext", "actions", "id", lifetimePath:
		return true
	}
	return IDToken.Reserved(word) || AccessToken.Reserved(word)
}
