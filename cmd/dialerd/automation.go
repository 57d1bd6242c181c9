package main

import (
	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/webhook"
)

// automationJSON is what an Automation's Send Webhook step needs.
type automationJSON struct {
	Team   string `json:"team"`
	URL    string `json:"url"`
	Header string `json:"header"`
	Secret string `json:"secret"`
	Body   string `json:"body"`
}

func (a *app) automationCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "automation",
		Short: "Show how an Automation tells dialerd that a call has ended",
		Long: "Shows what the Send Webhook step of an Automation that begins with On Call Completed is to be filled in with: a second way\n" +
			"for outcomes to come in, which does not depend on webhook subscriptions. Whoever knows the secret can report outcomes, so\n" +
			"show it to nobody else; it changes with the API token. A call that is told of twice is closed once.",
		Example: "  dialerd automation\n  dialerd automation --team west --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t, err := a.teamOr(name)
			if err != nil {
				return err
			}
			if a.settings.PublicURL == "" {
				return usagef("public_url (DIALERD_PUBLIC_URL) is missing: set it to the https address at which Thoughtly reaches this fleet")
			}
			out := automationJSON{
				Team: t.Name, URL: webhook.AutomationURL(a.settings.PublicURL, t.Name), Header: webhook.SecretHeader,
				Secret: webhook.AutomationSecret(t.APIToken.Reveal(), t.Name), Body: webhook.AutomationTemplate,
			}
			if a.json {
				return a.printJSON(out)
			}
			a.say("In Thoughtly: Automations, trigger On Call Completed, step Send Webhook\n\n"+
				"url     %s\nmethod  POST\nheader  %s: %s\nheader  Content-Type: application/json\nbody\n%s\n"+
				"The names on the left of the body stay; pick the values on the right anew in the step's editor, since workspaces name\n"+
				"them differently. A line that has no value may go, but phone_number or call_id must stay.\n",
				out.URL, out.Header, out.Secret, out.Body)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "team", "", "team of the settings (default: the only one)")
	a.jsonFlag(cmd)
	return cmd
}
