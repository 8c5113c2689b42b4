;; A global that only the rewriter makes.
;; refused: global 1
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (global (mut i64) (i64.const 0))
  (func (export "decide") (result i64)
    (global.set 1 (i64.const 0x7fffffffffffffff))
    (i64.const 0)))
