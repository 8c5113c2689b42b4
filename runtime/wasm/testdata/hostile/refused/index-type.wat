;; A type that only the rewriter makes.
;; refused: type
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (table 1 funcref)
  (func (export "decide") (result i64)
    (call_indirect (type 9) (i32.const 0))
    (i64.const 0)))
