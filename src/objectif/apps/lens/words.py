"""The lens's own words, in the languages that it speaks; cards bring the others.

A lens in a language that is not here says its own sentences in English: a card that is half translated is better than a
card that nobody can read.
"""

from __future__ import annotations

from typing import Any

ENGLISH = {
    "sure": "{p} probable",
    "group": "{rank}{name}; which one is not certain",
    "unsure": "Not sure what this is",
    "guess": "the likeliest is {name}, {p}",
    "unknown": "Not of the kind that this lens knows",
    "taught": "Taught from {photos} photos: {known} of them are recognised by the others, and {passed} of {others} examples of "
    "other labels look like it too. How often this is right has not been measured.",
    "waits": "{name} was taught from {photos} photos and waits to be accepted. This photo looks like it.",
    "others": "It could also be",
    "which": "It could be",
    "met": "{k} of {of} held-out photos called {name} showed {other}",
    "apart": "How to tell them apart",
    "facts": "Facts",
    "actions": "What to do",
    "settle": "The photo that would settle it",
    "closer": "Take one more: closer, in even light and from another side, with nothing else in the picture. It has to tell "
    "{a} from {b}.",
    "nearest": "Your own photos, the most alike first",
    "yours": "Your photo",
    "safety": "Mind",
    "promise": "At least {promised} of its answers are right, with {confidence} confidence. Of {photos} photos that were held "
    "out it answered {answered}, {right} of them rightly: {shares}.",
    "short": "{wanted} were wanted; these photos cannot show more.",
    "shares": "{share} with {what}",
    "label": "the label",
    "nothing": "not sure",
    "take": "Take a photo",
    "choose": "Choose a picture",
    "looking": "Looking ...",
    "lost": "The server cannot be reached. Try again.",
    "other": "It is something else",
    "teach_how": "What is it? Give its name and at least two more photos of it, in other light and from other sides. Nothing is trained; it waits until somebody accepts it.",
    "name": "Its name",
    "more": "More photos of it",
    "teach": "Teach",
    "accept": "Accept",
    "forget": "Forget",
    "waiting": "Taught, waiting to be accepted",
    "accepted": "Taught and accepted",
    "lesson": "{name}: {known} of its {photos} photos are recognised by the others; {passed} of {others} examples of other labels look like it.",
    "how": "How often is it right?",
    "example": "{label}, likeness {likeness}",
}
GERMAN = {
    "sure": "zu {p} wahrscheinlich",
    "group": "{rank}{name}; welche Art genau, ist nicht sicher",
    "unsure": "Nicht sicher, was das ist",
    "guess": "am ehesten {name}, {p}",
    "unknown": "Nichts von dem, was diese Linse kennt",
    "taught": "Aus {photos} Fotos gelernt: {known} davon erkennt sie an den anderen wieder, und {passed} von {others} Beispielen "
    "anderer Namen sehen auch so aus. Wie oft das stimmt, ist nicht gemessen.",
    "waits": "{name} wurde aus {photos} Fotos gelernt und ist noch nicht angenommen. Dieses Foto sieht so aus.",
    "others": "Es könnte auch sein",
    "which": "Es könnte sein",
    "met": "{k} von {of} zurückgehaltenen Fotos, die {name} genannt wurden, zeigten {other}",
    "apart": "So unterscheidet man sie",
    "facts": "Wissenswertes",
    "actions": "Was zu tun ist",
    "settle": "Das Foto, das es klären würde",
    "closer": "Noch eines: näher, in gleichmäßigem Licht, von einer anderen Seite und ohne anderes im Bild. Es soll {a} von "
    "{b} unterscheiden.",
    "nearest": "Eigene Fotos, das ähnlichste zuerst",
    "yours": "Dieses Foto",
    "safety": "Achtung",
    "promise": "Mindestens {promised} der Antworten stimmen, mit {confidence} Sicherheit. Von {photos} zurückgehaltenen Fotos "
    "wurden {answered} beantwortet, {right} davon richtig: {shares}.",
    "short": "Gewünscht waren {wanted}; mehr lässt sich mit diesen Fotos nicht zeigen.",
    "shares": "{share} mit {what}",
    "label": "dem Namen",
    "nothing": "nicht sicher",
    "take": "Foto aufnehmen",
    "choose": "Bild wählen",
    "looking": "Wird angesehen ...",
    "lost": "Der Server ist nicht erreichbar. Noch einmal versuchen.",
    "other": "Es ist etwas anderes",
    "teach_how": "Was ist es? Den Namen angeben und mindestens zwei weitere Fotos davon, in anderem Licht und von anderen Seiten. Nichts wird trainiert; es wartet, bis jemand es annimmt.",
    "name": "Sein Name",
    "more": "Weitere Fotos davon",
    "teach": "Lehren",
    "accept": "Annehmen",
    "forget": "Vergessen",
    "waiting": "Gelernt, noch nicht angenommen",
    "accepted": "Gelernt und angenommen",
    "lesson": "{name}: {known} von {photos} Fotos werden an den anderen wiedererkannt; {passed} von {others} Beispielen anderer Namen sehen auch so aus.",
    "how": "Wie oft stimmt es?",
    "example": "{label}, Ähnlichkeit {likeness}",
}
FRENCH = {
    "sure": "probable à {p}",
    "group": "{rank}{name} ; l'espèce exacte n'est pas certaine",
    "unsure": "Pas sûr de ce que c'est",
    "guess": "le plus probable est {name}, {p}",
    "unknown": "Rien de ce que cette lentille connaît",
    "taught": "Appris de {photos} photos : {known} d'entre elles sont reconnues par les autres, et {passed} des {others} exemples "
    "d'autres noms y ressemblent aussi. On n'a pas mesuré à quelle fréquence c'est juste.",
    "waits": "{name} a été appris de {photos} photos et attend d'être accepté. Cette photo y ressemble.",
    "others": "Ce pourrait aussi être",
    "which": "Ce pourrait être",
    "met": "{k} des {of} photos mises de côté appelées {name} montraient {other}",
    "apart": "Comment les distinguer",
    "facts": "À savoir",
    "actions": "Que faire",
    "settle": "La photo qui trancherait",
    "closer": "Encore une : de plus près, en lumière égale, d'un autre côté, sans rien d'autre sur l'image. Elle doit "
    "distinguer {a} de {b}.",
    "nearest": "Vos photos, les plus ressemblantes d'abord",
    "yours": "Votre photo",
    "safety": "Attention",
    "promise": "Au moins {promised} des réponses sont justes, avec une confiance de {confidence}. Sur {photos} photos mises de "
    "côté, {answered} ont eu une réponse, dont {right} justes : {shares}.",
    "short": "{wanted} étaient souhaités ; ces photos ne permettent pas d'en montrer plus.",
    "shares": "{share} avec {what}",
    "label": "le nom",
    "nothing": "pas sûr",
    "take": "Prendre une photo",
    "choose": "Choisir une image",
    "looking": "Examen ...",
    "lost": "Le serveur est injoignable. Réessayez.",
    "other": "C'est autre chose",
    "teach_how": "Qu'est-ce que c'est ? Donnez son nom et au moins deux autres photos, sous une autre lumière et d'autres côtés. Rien n'est entraîné ; cela attend d'être accepté.",
    "name": "Son nom",
    "more": "D'autres photos",
    "teach": "Apprendre",
    "accept": "Accepter",
    "forget": "Oublier",
    "waiting": "Appris, en attente d'être accepté",
    "accepted": "Appris et accepté",
    "lesson": "{name} : {known} de ses {photos} photos sont reconnues par les autres ; {passed} des {others} exemples d'autres noms y ressemblent.",
    "how": "À quelle fréquence est-ce juste ?",
    "example": "{label}, ressemblance {likeness}",
}
SPANISH = {
    "sure": "{p} probable",
    "group": "{rank}{name}; cuál exactamente no es seguro",
    "unsure": "No es seguro qué es",
    "guess": "lo más probable es {name}, {p}",
    "unknown": "Nada de lo que esta lente conoce",
    "taught": "Aprendido de {photos} fotos: {known} de ellas se reconocen por las otras, y {passed} de {others} ejemplos de otros "
    "nombres también se le parecen. No se ha medido con qué frecuencia acierta.",
    "waits": "{name} se aprendió de {photos} fotos y espera a ser aceptado. Esta foto se le parece.",
    "others": "También podría ser",
    "which": "Podría ser",
    "met": "{k} de {of} fotos reservadas llamadas {name} mostraban {other}",
    "apart": "Cómo distinguirlos",
    "facts": "Datos",
    "actions": "Qué hacer",
    "settle": "La foto que lo aclararía",
    "closer": "Una más: de más cerca, con luz uniforme, desde otro lado y sin nada más en la imagen. Tiene que distinguir {a} "
    "de {b}.",
    "nearest": "Sus fotos, las más parecidas primero",
    "yours": "Su foto",
    "safety": "Atención",
    "promise": "Al menos {promised} de las respuestas son correctas, con una confianza de {confidence}. De {photos} fotos "
    "reservadas respondió {answered}, {right} correctamente: {shares}.",
    "short": "Se querían {wanted}; con estas fotos no se puede mostrar más.",
    "shares": "{share} con {what}",
    "label": "el nombre",
    "nothing": "no es seguro",
    "take": "Hacer una foto",
    "choose": "Elegir una imagen",
    "looking": "Mirando ...",
    "lost": "No se puede llegar al servidor. Inténtelo de nuevo.",
    "other": "Es otra cosa",
    "teach_how": "¿Qué es? Dé su nombre y al menos dos fotos más, con otra luz y desde otros lados. No se entrena nada; espera hasta que alguien lo acepte.",
    "name": "Su nombre",
    "more": "Más fotos",
    "teach": "Enseñar",
    "accept": "Aceptar",
    "forget": "Olvidar",
    "waiting": "Aprendido, a la espera de ser aceptado",
    "accepted": "Aprendido y aceptado",
    "lesson": "{name}: {known} de sus {photos} fotos se reconocen por las otras; {passed} de {others} ejemplos de otros nombres se le parecen.",
    "how": "¿Con qué frecuencia acierta?",
    "example": "{label}, parecido {likeness}",
}
WORDS = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}


def word(language: str, key: str, **values: Any) -> str:
    """A sentence of the lens in a language, its values filled in."""
    found = WORDS.get(language.split("-")[0], ENGLISH)
    return found[key].format(**values)


def whole(share: float) -> str:
    """A share that is exact, in percent."""
    return f"{share * 100:.0f} %"


def percent(share: float) -> str:
    """A probability for people: whole percent, never a certainty that nobody has."""
    if share > 0.99:
        return "> 99 %"
    return "< 1 %" if share < 0.01 else f"{share * 100:.0f} %"
