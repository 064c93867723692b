package dev.sennit.queue.broker;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a {@link ClaimRequest}.
 *
 * @param claims the tasks, in the order in which they are to begin
 * @param lookAgainIn after how long something that is there now can become ready by itself: a delay or a wait of a
 *     retry ends, a rate limit allows another. Also after how long to ask for more, if there were fewer tasks than
 *     asked for only because their arguments are large. Null if nothing will
 */
public record Claimed(List<Claim> claims, @Nullable Duration lookAgainIn) {
    /** Copies the list. */
    public Claimed {
        claims = List.copyOf(claims);
    }
}
