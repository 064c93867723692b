package dev.sennit.server.rest;

import dev.sennit.server.ETag;
import dev.sennit.server.Preconditions;
import dev.sennit.server.ResourceVersion;
import dev.sennit.server.WebHandler;
import dev.sennit.server.WebRequest;
import dev.sennit.server.WebResponse;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A handler whose requests may have conditions: a client that has the current version gets 304 and no body; a client
 * that would change another version than the current one gets 412.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 * import dev.sennit.server.rest.Conditional;
 *
 * Map<String, String> notes = new ConcurrentHashMap<>();
 * WebHandler read = request -> WebResponse.text(notes.getOrDefault(request.parameter("id"), ""));
 * WebHandler write = request -> {
 *     notes.put(request.parameter("id"), new String(request.bytes()));
 *     return WebResponse.of(204);
 * };
 * Routes routes = Routes.create()
 *         .get("/notes/{id}", Conditional.of(read))
 *         .on("PUT", "/notes/{id}", Conditional.of(write).demandingMatch()
 *                 .version(request -> Optional.ofNullable(notes.get(request.parameter("id")))
 *                         .map(note -> ResourceVersion.of(ETag.of(note.getBytes())))));
 * }
 *
 * <p>With a {@linkplain #version source of versions} the conditions are looked at first, so that a handler does not
 * make what the client has already. Without one, the handler's own {@code ETag} and {@code Last-Modified} count; where
 * there is no {@code ETag}, it is a digest of the body, unless that is {@linkplain #mostBytes too large} or written
 * while it is sent. That saves the way to the client, and not the making. Conditions count only for what succeeds.
 *
 * <p>Between the look at the version and the handler, another request may change what is there. A handler that must not
 * lose a change uses {@link Preconditions} itself, under the lock or in the transaction in which it changes things.
 *
 * <p>Immutable.
 */
public final class Conditional implements WebHandler {
    /** The fields that a 304 has of the response that it stands for (RFC 9110, section 15.4.5). */
    private static final List<String> OF_NOT_MODIFIED =
            List.of("ETag", "Last-Modified", "Cache-Control", "Content-Location", "Expires", "Vary");

    private static final Set<String> CHANGES = Set.of("PUT", "PATCH", "DELETE");
    private static final int MOST_BYTES = 1 << 20;

    private final WebHandler handler;
    private final @Nullable VersionSource source;
    private final boolean isMatchDemanded;
    private final int mostBytes;

    private Conditional(WebHandler handler, @Nullable VersionSource source, boolean isMatchDemanded, int mostBytes) {
        this.handler = handler;
        this.source = source;
        this.isMatchDemanded = isMatchDemanded;
        this.mostBytes = mostBytes;
    }

    /**
     * Makes a handler conditional.
     *
     * @param handler the handler
     * @return a handler for the same route
     */
    public static Conditional of(WebHandler handler) {
        return new Conditional(Objects.requireNonNull(handler, "handler"), null, false, MOST_BYTES);
    }

    /**
     * Returns this handler with a source of versions. A handler of {@code PUT}, {@code PATCH} or {@code DELETE} needs
     * one.
     *
     * @param versions knows the version before the handler has run
     * @return the handler
     */
    public Conditional version(VersionSource versions) {
        return new Conditional(handler, Objects.requireNonNull(versions, "versions"), isMatchDemanded, mostBytes);
    }

    /**
     * Returns this handler, which answers a {@code PUT}, {@code PATCH} or {@code DELETE} that names no version with
     * 428: so no client can overwrite what it has not seen.
     *
     * @return the handler
     */
    public Conditional demandingMatch() {
        return new Conditional(handler, source, true, mostBytes);
    }

    /**
     * Returns this handler with another limit of bodies whose digest becomes their tag.
     *
     * @param newMost 1 MiB at first; 0 for no digests
     * @return the handler
     */
    public Conditional mostBytes(int newMost) {
        if (newMost < 0) {
            throw new IllegalArgumentException("mostBytes must be >= 0, was " + newMost);
        }
        return new Conditional(handler, source, isMatchDemanded, newMost);
    }

    @Override
    public WebResponse handle(WebRequest request) throws Exception {
        Preconditions conditions = Preconditions.of(request);
        String method = request.method();
        if (CHANGES.contains(method)) {
            if (isMatchDemanded && !conditions.namesVersion()) {
                return unnamed();
            }
            if (source == null && conditions.namesVersion()) {
                throw new IllegalStateException(
                        "a conditional " + method + " needs Conditional.version, which tells the current version");
            }
        }
        Optional<ResourceVersion> known = source == null ? Optional.empty() : source.version(request);
        if (isMatchDemanded && CHANGES.contains(method) && !binds(request, known)) {
            return unnamed();
        }
        if (source != null) {
            OptionalInt refusal = conditions.evaluate(known);
            if (refusal.isPresent()) {
                return refused(refusal.getAsInt(), withVersion(WebResponse.of(200), known));
            }
        }
        WebResponse response = handler.handle(request);
        if (!method.equals("GET") && !method.equals("HEAD") || response.status() != 200) {
            return response;
        }
        response = withVersion(response, known);
        if (source == null) { // else a client would name a tag that the source does not know
            response = withDigest(response);
        }
        OptionalInt refusal = known.flatMap(ResourceVersion::tag).isEmpty() // now there may be a tag
                ? conditions.evaluate(version(response))
                : OptionalInt.empty();
        return refusal.isPresent() ? refused(refusal.getAsInt(), response) : response;
    }

    private static WebResponse unnamed() {
        return WebResponse.text("say which version you change, with If-Match\n").status(428);
    }

    /**
     * Returns whether a request can change nothing but the version that it names: another {@code If-None-Match} than
     * {@code *} holds for each version but one, and a date counts for nothing if the resource has none.
     */
    private static boolean binds(WebRequest request, Optional<ResourceVersion> known) {
        Optional<String> noneMatch = request.header("If-None-Match");
        return request.header("If-Match").isPresent()
                || (noneMatch.isPresent()
                        ? noneMatch.get().strip().equals("*")
                        : known.flatMap(ResourceVersion::lastModified).isPresent());
    }

    private static WebResponse withVersion(WebResponse response, Optional<ResourceVersion> known) {
        WebResponse all = response;
        Optional<ETag> tag = known.flatMap(ResourceVersion::tag);
        if (tag.isPresent() && response.header("ETag").isEmpty()) {
            all = all.header("ETag", tag.get().toString());
        }
        Optional<Instant> changed = known.flatMap(ResourceVersion::lastModified);
        if (changed.isPresent() && response.header("Last-Modified").isEmpty()) {
            all = all.header("Last-Modified", Preconditions.date(changed.get()));
        }
        return all;
    }

    private WebResponse withDigest(WebResponse response) {
        Optional<byte[]> body = response.bytes();
        return response.header("ETag").isPresent() || body.isEmpty() || body.get().length > mostBytes || mostBytes == 0
                ? response
                : response.header("ETag", ETag.of(body.get()).toString());
    }

    /** Returns the version that a response has. */
    private static Optional<ResourceVersion> version(WebResponse response) {
        Optional<ETag> tag = response.header("ETag").flatMap(ETag::parse);
        return Optional.of(new ResourceVersion(tag, response.header("Last-Modified").flatMap(Conditional::time)));
    }

    private static Optional<Instant> time(String date) {
        try {
            return Optional.of(Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(date)));
        } catch (DateTimeParseException e) { // the handler's own
            return Optional.empty();
        }
    }

    private static WebResponse refused(int status, WebResponse instead) {
        if (status != 304) {
            return WebResponse.text("there is another version\n").status(status);
        }
        WebResponse response = WebResponse.of(304);
        for (String name : OF_NOT_MODIFIED) {
            Optional<String> value = instead.header(name);
            if (value.isPresent()) {
                response = response.header(name, value.get());
            }
        }
        return response;
    }
}
