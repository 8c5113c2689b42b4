;; A table that only the rewriter makes.
;; refused: table 1
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (table 1 funcref)
  (func (export "decide") (result i64)
    (table.set 1 (i32.const 0) (ref.null func))
    (i64.const 0)))
