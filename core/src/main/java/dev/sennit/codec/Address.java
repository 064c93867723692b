package dev.sennit.codec;

import java.io.ObjectStreamException;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * The form that travels in the place of a value that stays where it is, or of a value of {@link ValueForms}. All
 * addresses are records, so that they have a compact form.
 */
public interface Address extends Serializable {
    /** Returns the value that the address leads to in this process. Java serialization calls it, too. */
    Object readResolve() throws ObjectStreamException;

    /**
     * Returns the value that the address leads to in this process, if the address came in the {@link CompactForm}.
     *
     * @param trusted finds the classes that the sender names; null if the sender is not trusted
     */
    default Object resolve(@Nullable ClassLoader trusted) throws ObjectStreamException, ClassNotFoundException {
        return readResolve();
    }
}
