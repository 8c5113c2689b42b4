package gate

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/rules/credential"
)

// BenchmarkWrongByte measures whether the time for a wrong secret depends on the place of its first
// wrong byte. It compares secrets that differ in the first byte and in the last one, in random
// order, and reports Welch's t without the slowest tenth: below 4.5 there is no evidence of a
// difference (the limit of dudect, Reparaz and others, 2017). The same for a comparison that stops
// at the first wrong byte shows that the measurement would notice.
func BenchmarkWrongByte(b *testing.B) {
	const secret = "q7LmZ0vRk2Xc9TbW4yHs6NfJd8GaPe1U"
	early, late := []byte("x"+secret[1:]), []byte(secret[:len(secret)-1]+"x")
	auth := []credential.Credential{{Lines: []credential.Line{newLine("Authorization", secret, strings.ToUpper(secret))}}, {Lines: []credential.Line{newLine("X-Key", secret)}}}
	b.Run("gate", func(b *testing.B) {
		h := head{auth: credentialHeaders(nil, auth)}
		compareTimes(b, early, late, func(value []byte) bool {
			for i := range h.auth {
				h.auth[i].value, h.auth[i].count = value, 1
			}
			_, ok := h.matchCredential(auth, nil)
			return ok
		})
	})
	b.Run("stopping", func(b *testing.B) {
		compareTimes(b, early, late, func(value []byte) bool {
			for i := range value {
				if value[i] != secret[i] {
					return false
				}
			}
			return true
		})
	})
}

// compareTimes calls same with either of two values, in random order, and reports t.
func compareTimes(b *testing.B, one, other []byte, same func([]byte) bool) {
	const batch = 64 // more than the clock's resolution
	var took [2][]float64
	for b.Loop() {
		which := rand.IntN(2)
		value := one
		if which == 1 {
			value = other
		}
		start := time.Now()
		for range batch {
			if same(value) {
				b.Fatal("the wrong secret is right")
			}
		}
		took[which] = append(took[which], float64(time.Since(start))/batch)
	}
	if len(took[0]) < 10 || len(took[1]) < 10 {
		return
	}
	m1, v1 := meanAndVariance(took[0])
	m2, v2 := meanAndVariance(took[1])
	b.ReportMetric(math.Abs(m1-m2)/math.Sqrt(v1+v2), "t")
	b.ReportMetric(m1, "ns-early")
	b.ReportMetric(m2, "ns-late")
}

// meanAndVariance returns the mean without the slowest tenth, and the variance of that mean.
func meanAndVariance(took []float64) (mean, variance float64) {
	slices.Sort(took)
	took = took[:len(took)*9/10]
	n := float64(len(took))
	for _, v := range took {
		mean += v / n
	}
	for _, v := range took {
		variance += (v - mean) * (v - mean) / (n - 1) / n
	}
	return mean, variance
}
