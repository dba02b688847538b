"""On which ground somebody may ask, and what stands where something was erased."""

from exchange.errors import N_

# The codes that `erasure.done` names. The law: rights of the data subject, and erasing (Law 91/2025/QH15 Art. 14).
BASES: dict[str, str] = {
    "withdrawn": N_("The person withdraws their consent"),
    "left": N_("The person no longer works for the organisation"),
    "purpose-over": N_("What the data was kept for is over"),
    "order": N_("A decision of the competent authority"),
}
LAW = N_("Law on Personal Data Protection 91/2025/QH15 Art. 14")
ERASED = "(đã xóa / erased)"  # in place of a text, for readers of both languages
DOMAIN = "erased.invalid"  # RFC 2606: no address in it can exist
GUESSABLE = ("statistic", "result_sha256")  # of a question's receipt: digests, without a salt, of short texts
PLACES = 160  # disclosures that one record names; its leaf stays below 8 KiB
PLACES_OF_DETAIL = 16  # of 31 characters each, in one text of 512
