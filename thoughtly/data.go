package thoughtly

// dataNames are the names that sources use for what an agent took down.
var dataNames = []string{"data_points", "extracted_data", "variables", "answers"}

// outcomeWords are the names under which it may hold the agent's word for the result.
var outcomeWords = []string{"outcome", "call_outcome", "disposition", "result"}

// dataOf gathers what the agent took down in the conversation: the entries of summary_data and of the data points inside it or beside
// it. The record wins over its envelope.
func dataOf(at layers) map[string]string {
	var all map[string]string
	for _, o := range at {
		summary := mapOf(o.get("summary_data"))
		for _, from := range []object{o, objectOf(summary)} {
			for _, name := range dataNames {
				all = flatten(all, mapOf(from.get(name)))
			}
		}
		all = flatten(all, summary)
	}
	return all
}
