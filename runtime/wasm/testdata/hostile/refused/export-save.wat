;; A name that the rewriter gives.
;; refused: tenterhook:save
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func (export "decide") (result i64) (i64.const 0))
  (func (export "tenterhook:save")))
