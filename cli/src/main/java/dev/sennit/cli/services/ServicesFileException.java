package dev.sennit.cli.services;

import java.util.List;

/** A file of services is refused. Says all that is wrong with it. */
public final class ServicesFileException extends Exception {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial") // an immutable list is serializable
    private final List<String> problems;

    ServicesFileException(List<String> problems) {
        super(problems.size() == 1
                ? problems.getFirst()
                : problems.getFirst() + " (and " + (problems.size() - 1) + " more)");
        this.problems = List.copyOf(problems);
    }

    /**
     * What is wrong, in the order of the file.
     *
     * @return a line each, {@code FILE:LINE:COLUMN: what; what to do}; without a place if the file cannot be read
     */
    public List<String> problems() {
        return problems;
    }
}
