;; An export of a function that only the rewriter makes.
;; refused: function 2
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0))
  (export "out" (func 2)))
