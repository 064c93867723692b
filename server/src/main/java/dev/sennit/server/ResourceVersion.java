package dev.sennit.server;

import java.time.Instant;
import java.util.Optional;

/**
 * The version of what is at a path: its entity tag, when it was changed last, or both.
 *
 * @param tag the tag, if there is one
 * @param lastModified when it was changed, if that is known; HTTP has whole seconds
 */
public record ResourceVersion(Optional<ETag> tag, Optional<Instant> lastModified) {
    /**
     * A version with a tag.
     *
     * @param tag the tag
     * @return the version
     */
    public static ResourceVersion of(ETag tag) {
        return new ResourceVersion(Optional.of(tag), Optional.empty());
    }

    /**
     * A version with a time.
     *
     * @param lastModified when it was changed
     * @return the version
     */
    public static ResourceVersion of(Instant lastModified) {
        return new ResourceVersion(Optional.empty(), Optional.of(lastModified));
    }

    /**
     * A version with both.
     *
     * @param tag the tag
     * @param lastModified when it was changed
     * @return the version
     */
    public static ResourceVersion of(ETag tag, Instant lastModified) {
        return new ResourceVersion(Optional.of(tag), Optional.of(lastModified));
    }
}
