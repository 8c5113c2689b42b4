;; A name that the rewriter gives.
;; refused: tenterhook:start
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0))
  (func (export "tenterhook:start")))
