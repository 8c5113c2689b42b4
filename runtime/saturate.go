package runtime

import (
	"math"
	"math/bits"
)

// mostProduct is beyond any budget, and leaves room for a few sums.
const mostProduct = math.MaxInt64 / 4

// Product multiplies costs. It stays at a value beyond any budget instead of overflowing; a
// negative factor counts as 0.
func Product(factors ...int64) int64 {
	product := int64(1)
	for _, n := range factors {
		hi, lo := bits.Mul64(uint64(product), uint64(max(0, n)))
		if hi != 0 || lo > mostProduct {
			return mostProduct
		}
		product = int64(lo)
	}
	return product
}

// Sum adds costs. It stays at the largest int64 instead of overflowing.
func Sum(terms ...int64) (sum int64) {
	for _, n := range terms {
		if sum += n; sum < 0 {
			return math.MaxInt64
		}
	}
	return sum
}
