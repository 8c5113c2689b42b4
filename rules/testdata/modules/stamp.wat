;; Sets the division of a registration's profile, to a word of five letters that tests replace.
(module
  (memory (export "memory") 1)
  (func (export "tenterhook_abi_v1"))
  (data (i32.const 64) "{\"commands\":[{\"type\":\"com.okta.user.profile.update\",\"value\":{\"division\":\"first\"}}]}")
  (func (export "decide") (result i64)
    (i64.or (i64.shl (i64.const 64) (i64.const 32)) (i64.const 83))))
