# METADATA
# title: Caps on parameters and size
# description: A parameter above its cap is lowered; what the request does not set is left to the provider.
package lockgate.rules.limits

import future.keywords.not

import data.lockgate.identity
import data.lockgate.lib

limits := object.union(general, own) if {
	is_object(general)
	is_object(own)
} else := {"temperature": 0, "max_tokens": 0, "kilobytes": 0}

general := lib.config(["limits", "default"], {})

own := lib.config(["limits", "roles", identity.role], {})

verdicts contains {
	"rule": concat(".", ["limits", parameter]),
	"action": "warn",
	"message": lib.sentence([parameter, " is above the cap of role ", identity.role]),
	"user_message": lib.sentence([parameter, " was lowered to ", json.marshal(cap), ", the most your role may set."]),
	"obligations": [{"type": "cap", "parameter": parameter, "value": cap}],
} if {
	lib.phase == "request"
	some parameter in {"temperature", "max_tokens"}
	parameter in object.keys(limits)
	cap := lib.number(limits[parameter])
	value := object.get(input, ["parameters", parameter], null)
	value != null
	value > cap
}

verdicts contains {
	"rule": "limits.kilobytes",
	"action": "block",
	"message": lib.sentence(["the request is larger than role ", identity.role, " may send"]),
	"user_message": lib.sentence(["The request is larger than the ", json.marshal(cap), " kB your role may send."]),
} if {
	lib.phase == "request"
	"kilobytes" in object.keys(limits)
	cap := lib.number(limits.kilobytes)
	not object.get(input, ["content", "kilobytes"], null) <= cap
}
