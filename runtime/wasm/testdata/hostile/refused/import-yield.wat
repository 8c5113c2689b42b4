;; The function that hands out fuel.
;; refused: tenterhook:meter
(module
  (import "tenterhook:meter" "yield" (func $yield (param i64) (result i64)))
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0))
  (func (drop (call $yield (i64.const 0x7fffffffffffffff)))))
