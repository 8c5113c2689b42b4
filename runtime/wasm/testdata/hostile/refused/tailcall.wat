;; A call without a frame, which no depth holds.
;; refused: function 1
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (func $decide (export "decide") (result i64)
    (return_call $decide)))
