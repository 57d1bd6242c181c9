package dialer

import (
	"context"
	"fmt"
	"strings"

	"github.com/dialerd/dialerd/thoughtly"
)

// refusedCredentials begins the reason of a pause that credentials which the API takes will end.
const refusedCredentials = "the API refuses the credentials"

// RefusedCredentials reports whether a team's pause is one of Pause's: other credentials end it, and nothing else has to.
func RefusedCredentials(paused string) bool { return strings.HasPrefix(paused, refusedCredentials) }

// Pause stops a team whose credentials the API does not take. An operator starts it again, or a daemon that starts with others which the
// API takes.
func (d *Dialer) Pause(ctx context.Context, team *Team, failure *thoughtly.Error) error {
	d.Log.Error("the API refuses the team's credentials: team paused", "team", team.Name, "err", failure)
	reason := fmt.Sprintf("%s (status %d): mend api_token and team_id", refusedCredentials, failure.Status)
	if _, err := d.Store.PauseTeam(ctx, team.Name, reason); err != nil {
		return fmt.Errorf("pause team %s: %w", team.Name, err)
	}
	d.forget(team.Name)
	return nil
}
