;; A local that only the rewriter makes.
;; refused: local 0
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64)
    (local.set 0 (i64.const 0x7fffffffffffffff))
    (i64.const 0)))
