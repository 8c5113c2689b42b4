package hook

import (
	"strconv"
	"strings"
)

// Suggest finds the known word that word was most likely meant to be: equal except for case, or a
// few letters away. Of equally close words the first wins.
func Suggest(word string, known []string) (string, bool) {
	if len(word) > 128 {
		return "", false
	}
	best, found := max(1+len(word)/4, min(len(word)-1, 2)), "" // one letter of three: wen for when
	if best > 4 {
		best = 4
	}
	lower := strings.ToLower(word)
	for _, k := range known {
		if d := Distance(lower, strings.ToLower(k), best); d < best && d < len(word) {
			best, found = d, k
		}
		if best == 0 {
			break
		}
	}
	return found, found != ""
}

// Distance is the number of letters to insert, delete, change or swap with their neighbour to turn
// a into b (optimal string alignment). It stops at limit.
func Distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit || len(b) > 255 {
		return limit
	}
	var rows [3][256]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least >= limit {
			return limit
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// hint ends a message about an unknown word: with a suggestion, or else with the known words.
func hint(word string, known []string) string {
	if s, ok := Suggest(word, known); ok {
		return ", did you mean " + s + "?"
	}
	return "; want " + OneOf(known)
}

// OneOf is "a, b or c".
func OneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// quote quotes a name from outside, shortened and without characters that could break a log line.
func quote(name string) string {
	const most = 80
	if len(name) > most {
		return strconv.Quote(strings.ToValidUTF8(name[:most], "")) + "…"
	}
	return strconv.Quote(name)
}
