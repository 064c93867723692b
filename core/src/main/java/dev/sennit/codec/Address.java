package dev.sennit.codec;

import java.io.ObjectStreamException;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * The form that travels in the place of a value: of one that stays where it is, or of a value of {@link ValueForms}. All are records, so that they
 * have a compact form.
 */
public interface Address extends Serializable {
    /** The value that the address leads to here. Public, as all of an interface; Java serialization calls it too. */
    Object readResolve() throws ObjectStreamException;

    /**
     * The value that the address leads to here, if the address came in the {@link CompactForm}.
     *
     * @param trusted finds the classes that the sender names; null if the sender is not to be believed
     */
    default Object resolve(@Nullable ClassLoader trusted) throws ObjectStreamException, ClassNotFoundException {
        return readResolve();
    }
}
