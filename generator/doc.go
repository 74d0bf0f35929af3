// Package generator merges what people want with what the Swarm has, and turns
// the result into nginx files and into the Docker configs that carry them.
//
// It is pure: the same Desired and Live give the same bytes, on every machine
// and in every run. Nothing here reads a clock, a file or a network.
//
//	Build   Desired + Live -> Model    nginx's nouns, with today's peers
//	Render  Model          -> Files    one file a virtual host, one an upstream
//	Pack    Files          -> Rollout  the configs and the one service update
package generator
