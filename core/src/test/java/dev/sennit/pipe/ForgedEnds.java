package dev.sennit.pipe;

import dev.sennit.manager.Forgery;

/**
 * A pipe of a process that does not keep to the rules.
 *
 * @param kept the forger's end
 * @param given the other, which brings a list of what its reader is to allow
 */
public record ForgedEnds(Connection kept, Connection given) {
    public static ForgedEnds open() {
        MeetingPoint.End end = MeetingPoint.HERE.newPipe();
        return new ForgedEnds(
                new Connection(end, true, true, Forgery.class),
                new Connection(end.other(), true, true, Forgery.FOREIGN).allow(Forgery.PATTERN));
    }
}
